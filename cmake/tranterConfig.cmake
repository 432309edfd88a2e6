# find_package(tranter) gives tranter::tranter, a static library, and finds what it links to.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)
find_dependency(spdlog)
find_dependency(simdjson)
find_dependency(OpenSSL COMPONENTS Crypto)
find_dependency(SQLite3)
include(${CMAKE_CURRENT_LIST_DIR}/tranterTargets.cmake)
