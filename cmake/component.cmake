# tranter_component(engine DEPS base LIBS fmt::fmt)
#
# One folder = one static library = one namespace. Collects <name>/*.cpp, keeps *_test.cpp for the
# test binary <name>_test. Links only what DEPS names, so a missing dependency fails at link time
# and a forbidden one fails in tools/check_layers.py. A folder without sources is header-only.
#
# With TRANTER_UNITY several files are compiled as one; ALONE names files that must not be, because
# a private name of theirs stands in another file of the room too.

# One precompiled header for all components, built once.
if(TRANTER_PCH)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch.cpp CONTENT "")
  add_library(tranter_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
  target_precompile_headers(tranter_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.hpp)
endif()

set_property(GLOBAL PROPERTY TRANTER_COMPONENTS "")
add_custom_target(unit_tests)

function(tranter_component name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;ALONE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${name}/main.cpp)

  list(TRANSFORM ARG_ALONE PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${name}/)
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

  set(target tranter_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    set_property(GLOBAL APPEND PROPERTY TRANTER_COMPONENTS ${target})
    if(TRANTER_PCH)
      target_precompile_headers(${target} REUSE_FROM tranter_pch)
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(tranter::${name} ALIAS ${target})
  target_include_directories(
    ${target} ${scope} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  list(TRANSFORM ARG_DEPS PREPEND tranter::)
  target_link_libraries(${target} ${scope} ${ARG_DEPS} ${ARG_LIBS} Threads::Threads)

  if(TRANTER_TESTS AND TRANTER_UNIT_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${target} GTest::gmock GTest::gtest_main)
    if(TRANTER_PCH)
      target_precompile_headers(${name}_test REUSE_FROM tranter_pch)
    endif()
    if(TRANTER_SANITIZE MATCHES undefined)
      # The code is watched for undefined behaviour, not the assertions about it: they are most of
      # what there is to compile.
      target_compile_options(${name}_test PRIVATE -fno-sanitize=undefined)
    endif()
    add_dependencies(unit_tests ${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()
