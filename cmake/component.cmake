# tranter_component(engine DEPS base LIBS fmt::fmt)
#
# One folder = one static library = one namespace. Collects <name>/*.cpp, keeps *_test.cpp for the
# test binary <name>_test. Links only what DEPS names, so a missing dependency fails at link time
# and a forbidden one fails in tools/check_layers.py. A folder without sources is header-only.
#
# With TRANTER_UNITY several files are compiled as one; ALONE names files that must not be, because
# a private name of theirs stands in another file of the room too. ONE_THREAD says that neither room
# nor tests start a thread, so the thread sanitizer has nothing to look for in its tests;
# ONE_THREAD_TESTS names files of tests of which that is true in a room that has threads. COST is
# about how many seconds the tests take: the longest are begun first.

# Two precompiled headers, built once: for all components, and for all tests. What links base has
# the same definitions as they have, which a compiler insists on.
if(TRANTER_PCH)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch.cpp CONTENT "")
  add_library(tranter_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
  target_precompile_headers(tranter_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.hpp)
  target_link_libraries(tranter_pch PRIVATE fmt::fmt spdlog::spdlog simdjson::simdjson)
endif()
if(TRANTER_PCH AND TRANTER_TESTS)
  add_library(tranter_test_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
  target_precompile_headers(tranter_test_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch_test.hpp)
  target_link_libraries(
    tranter_test_pch PRIVATE fmt::fmt spdlog::spdlog simdjson::simdjson GTest::gmock)
endif()

# tranter_test_code(engine_test)
#
# How the code of tests is compiled, wherever it stands: quickly. The code that they test is
# optimised and watched for undefined behaviour; their assertions are most of what there is to
# compile, and need neither.
function(tranter_test_code target)
  target_compile_options(${target} PRIVATE "SHELL:-O0 -U_FORTIFY_SOURCE")
  if(TRANTER_SANITIZE MATCHES undefined)
    target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
  endif()
  if(TRANTER_PCH AND NOT target STREQUAL tranter_test_pch)
    target_precompile_headers(${target} REUSE_FROM tranter_test_pch)
  endif()
endfunction()
if(TARGET tranter_test_pch)
  tranter_test_code(tranter_test_pch)
endif()

set_property(GLOBAL PROPERTY TRANTER_COMPONENTS "")
add_custom_target(unit_tests)

function(tranter_component name)
  cmake_parse_arguments(ARG "ONE_THREAD" "COST" "DEPS;LIBS;ALONE;ONE_THREAD_TESTS" ${ARGN})
  if(NOT ARG_COST)
    set(ARG_COST 0)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${name}/main.cpp)

  list(TRANSFORM ARG_ONE_THREAD_TESTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${name}/)
  if(ARG_ONE_THREAD)
    set(ARG_ONE_THREAD_TESTS ${tests})
    set(one_thread ${sources} ${tests})
  else()
    set(one_thread ${ARG_ONE_THREAD_TESTS})
  endif()
  foreach(file IN LISTS one_thread)
    file(STRINGS ${file} started REGEX "std::(j?thread|async)")
    if(started)
      message(FATAL_ERROR "${file} starts a thread, and it or its room is ONE_THREAD")
    endif()
  endforeach()
  if(TRANTER_SANITIZE MATCHES thread)
    list(REMOVE_ITEM tests ${ARG_ONE_THREAD_TESTS})
  endif()

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
    tranter_test_code(${name}_test)
    if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
      set_target_properties(${name}_test PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    add_dependencies(unit_tests ${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300 COST "${ARG_COST}")
  endif()
endfunction()
