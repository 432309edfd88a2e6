# What `cmake --install` and `cpack` ship: the binary with its man page and the clients of its child
# protocol (component runtime), and
# everything below the command line as one static library with headers and a CMake package
# (component development).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(components GLOBAL PROPERTY TRANTER_COMPONENTS)
list(REMOVE_ITEM components tranter_cli)
set(objects ${components})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/library.cpp CONTENT "")
add_library(tranter_library STATIC ${PROJECT_BINARY_DIR}/library.cpp ${objects})
set_target_properties(tranter_library PROPERTIES OUTPUT_NAME tranter EXPORT_NAME tranter)
target_include_directories(tranter_library INTERFACE $<INSTALL_INTERFACE:include>)
target_compile_features(tranter_library INTERFACE cxx_std_23)
target_link_libraries(
  tranter_library
  INTERFACE $<LINK_ONLY:fmt::fmt> $<LINK_ONLY:spdlog::spdlog> $<LINK_ONLY:simdjson::simdjson>
            $<LINK_ONLY:OpenSSL::Crypto> $<LINK_ONLY:SQLite::SQLite3> $<LINK_ONLY:Threads::Threads>
            ${CMAKE_DL_LIBS})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tranter)
install(TARGETS tranter_library EXPORT tranter COMPONENT development)
install(DIRECTORY include/tranter TYPE INCLUDE COMPONENT development FILES_MATCHING PATTERN *.hpp)
install(EXPORT tranter NAMESPACE tranter:: FILE tranterTargets.cmake DESTINATION ${package_dir}
        COMPONENT development)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tranterConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES cmake/tranterConfig.cmake ${PROJECT_BINARY_DIR}/tranterConfigVersion.cmake
        DESTINATION ${package_dir} COMPONENT development)

install(TARGETS tranter COMPONENT runtime)
install(FILES man/tranter.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime)
install(DIRECTORY clients DESTINATION ${CMAKE_INSTALL_DATADIR}/tranter COMPONENT runtime
        FILES_MATCHING PATTERN *.mjs PATTERN *.mts PATTERN package.json PATTERN *.py)
install(FILES README.md CHANGELOG.md TYPE DOC COMPONENT runtime)
install(FILES LICENSE TYPE DOC COMPONENT runtime RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The Tranter authors <tranter@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME tranter)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Opened with dlopen by those who need them only, so dpkg-shlibdeps cannot see them.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl4, libpq5")
include(CPack)
