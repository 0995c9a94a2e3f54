# Build settings of all libraries. m1c_runtime_library() is for code that does not depend on LLVM,
# m1c_compiler_library() for code that uses MLIR (no exceptions, precompiled headers).

add_library(m1c_options INTERFACE)
target_include_directories(m1c_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(m1c_options INTERFACE -Wall -Wextra -Wno-unused-parameter -fno-math-errno)
if(M1C_WERROR)
  target_compile_options(m1c_options INTERFACE -Werror)
endif()
if(M1C_SANITIZE)
  target_compile_options(m1c_options INTERFACE -fsanitize=${M1C_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(m1c_options INTERFACE -fsanitize=${M1C_SANITIZE})
endif()

if(M1C_FUZZ)
  # Coverage for libFuzzer, and an end of the process at the first finding of a sanitizer.
  target_compile_options(m1c_options INTERFACE -fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
endif()

function(m1c_runtime_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC m1c_options ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# For targets whose speed does not matter: less optimisation, and precompiled headers, which are those of the target
# `headers` if that is a target.
function(m1c_build_quickly target headers)
  target_compile_options(${target} PRIVATE -O1)
  if(NOT M1C_PCH OR NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    return()
  endif()
  if(TARGET ${headers})
    target_precompile_headers(${target} REUSE_FROM ${headers})
  else()
    target_precompile_headers(${target} PRIVATE ${headers} ${ARGN})
  endif()
endfunction()

function(m1c_use_mlir target)
  target_include_directories(${target} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_compile_definitions(${target} PUBLIC ${LLVM_DEFINITIONS})
  # The optimisation level hardly affects how fast the compiler runs, but does affect its build time.
  target_compile_options(${target} PRIVATE -fno-exceptions -O1)
  target_link_libraries(${target} PUBLIC MLIR LLVM)
  if(M1C_PCH)
    get_target_property(kind ${target} TYPE)
    # Executables are compiled with -fPIE, libraries and the precompiled headers with -fPIC.
    if(TARGET m1c_pch AND NOT kind STREQUAL "EXECUTABLE")
      target_precompile_headers(${target} REUSE_FROM m1c_pch)
    endif()
  endif()
endfunction()

function(m1c_compiler_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC m1c_options ${ARG_LINK})
  m1c_use_mlir(${name})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# Links the imported targets of a package statically where archives are installed next to its shared libraries. Debian's
# abslTargets.cmake refers to Abseil's shared libraries; with the archives, m1run only depends on libraries that every
# machine has, and can be copied to another machine. Debian's archives cannot become part of a shared library, however
# (they have thread-local variables of an executable): a target with the property M1C_MODULE gets the shared libraries,
# which are put into the variable M1C_MODULE_LIBRARIES, in front of the archives, which are then not used.
function(m1c_prefer_archives package)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  list(FILTER targets INCLUDE REGEX "^${package}::")
  set(shared)
  foreach(target ${targets})
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    if(NOT configurations)
      continue() # header-only
    endif()
    foreach(configuration ${configurations})
      get_target_property(library ${target} IMPORTED_LOCATION_${configuration})
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
      if(EXISTS "${archive}" AND NOT archive STREQUAL library)
        list(APPEND shared "${library}")
        set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${configuration} "${archive}")
      endif()
    endforeach()
  endforeach()
  if(shared)
    set(shared "-Wl,--as-needed;${shared};-Wl,--no-as-needed")
  endif()
  set(M1C_MODULE_LIBRARIES "$<$<BOOL:$<TARGET_PROPERTY:M1C_MODULE>>:${shared}>" PARENT_SCOPE)
endfunction()
