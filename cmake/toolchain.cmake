# Compiler and linker settings for every target. Fast tools are used when they are installed and
# are never required.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(TRANTER_CCACHE ccache)
if(TRANTER_CCACHE)
  # ccache and a GCC precompiled header only work together with these two settings of sloppiness.
  # With CCACHE_DEPEND what is not found costs no run of the preprocessor before it is compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros
      ${TRANTER_CCACHE})
  if(TRANTER_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)
  endif()
endif()

# g++ 12 hands mold its LTO objects through a plugin it does not load; those builds use the default.
find_program(TRANTER_MOLD ld.mold)
if(TRANTER_MOLD AND NOT TRANTER_LTO)
  add_link_options(-fuse-ld=mold)
endif()

# -O0 for the sanitizers too: at -O1 their checks double the time to compile and the unit tests are
# short either way; so are the runs of the fuzz targets in CI. The simulation asks for -O2 itself.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1" CACHE STRING "" FORCE)
# No -DNDEBUG: checks stay on in what we ship.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1" CACHE STRING "" FORCE)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # g++ has no such warning: members that a designated initialiser leaves out have their defaults.
  add_compile_options(-Wno-missing-designated-field-initializers)
endif()
if(TRANTER_UNITY)
  # Two warnings about one file that see a neighbour here: a local name that shadows a private name
  # of the next file, and (g++) a type with members from the anonymous namespace of "a header".
  add_compile_options(-Wno-shadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-subobject-linkage)
  endif()
endif()
if(TRANTER_WERROR)
  add_compile_options(-Werror)
endif()

if(TRANTER_HARDENING)
  add_compile_options(
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong
    -fstack-clash-protection -fcf-protection -fPIE -ftrivial-auto-var-init=zero)
  add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

if(TRANTER_SANITIZE)
  add_compile_options(
    -fsanitize=${TRANTER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # It looks at memory through a pipe, and takes a process without descriptors for a broken one.
    -fno-sanitize=vptr)
  add_link_options(-fsanitize=${TRANTER_SANITIZE})
  # Asio keeps freed coroutine frames for reuse, which would hide use after free.
  add_compile_definitions(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
  if(TRANTER_SANITIZE MATCHES thread)
    # TSan cannot model the atomic_thread_fence that Asio uses by default.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      add_compile_options(-Wno-tsan)
    endif()
  endif()
endif()

if(TRANTER_FUZZ)
  # Coverage for everything; the libFuzzer main only where tests/fuzz asks for it.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TRANTER_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
