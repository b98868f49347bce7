# nsajit_add_library(<folder> SOURCES ... LINK ... [PUBLIC_LINK ...]): static library nsajit_<folder>, alias nsajit::<folder>.
add_library(nsajit_warnings INTERFACE)
target_compile_options(nsajit_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                       -Wno-missing-field-initializers $<$<BOOL:${NSAJIT_WERROR}>:-Werror>)

function(nsajit_add_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PUBLIC_LINK" ${ARGN})
  add_library(nsajit_${folder} STATIC ${ARG_SOURCES})
  add_library(nsajit::${folder} ALIAS nsajit_${folder})
  target_include_directories(nsajit_${folder} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
  target_compile_options(nsajit_${folder} PRIVATE -ffunction-sections -fdata-sections)
  target_link_libraries(nsajit_${folder} PUBLIC ${ARG_PUBLIC_LINK} PRIVATE nsajit_warnings ${ARG_LINK})
endfunction()

# nsajit_add_program(<target> SOURCES ... LINK ... OUTPUT_NAME ... DESTINATION ...): a program over libnsajit.so. The folders of
# ours in LINK are served by the library; a program that linked their archives too would have every function twice.
# Without a DESTINATION it is not installed.
function(nsajit_add_program target)
  cmake_parse_arguments(ARG "" "OUTPUT_NAME;DESTINATION" "SOURCES;LINK" ${ARGN})
  set(libraries ${ARG_LINK})
  if(TARGET nsajit_shared)
    list(FILTER libraries EXCLUDE REGEX "^nsajit(::|_)(core|cache|codegen|templates|runtime|tuner)$")
    list(APPEND libraries nsajit_shared)
  endif()
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(${target} PRIVATE nsajit_warnings ${libraries})
  if(ARG_OUTPUT_NAME)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${ARG_OUTPUT_NAME})
  endif()
  if(NOT ARG_DESTINATION)
    return()
  endif()
  # From the program's folder to the library's, wherever the tree is moved to.
  file(RELATIVE_PATH to_library "/${ARG_DESTINATION}" "/lib")
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${to_library}")
  install(TARGETS ${target} RUNTIME DESTINATION ${ARG_DESTINATION})
endfunction()

# nsajit_add_tests(<folder> SOURCES ... LINK ...): program test_<folder>, one ctest per case, labelled unit, slow or gpu
# by its tags. gpu tests are listed but disabled unless NSAJIT_GPU_TESTS is on. Installed, to run on machines without the
# build tools, unless NEEDS_SOURCES says that it reads the source tree.
function(nsajit_add_tests folder)
  cmake_parse_arguments(ARG "NEEDS_SOURCES" "" "SOURCES;LINK" ${ARGN})
  set(target test_${folder})
  set(destination DESTINATION libexec/nsajit/tests)
  if(ARG_NEEDS_SOURCES)
    set(destination "")
  endif()
  nsajit_add_program(${target} SOURCES ${ARG_SOURCES} LINK nsajit_catch ${ARG_LINK} ${destination})
  set(cases "${CMAKE_CURRENT_BINARY_DIR}/${target}_cases.cmake")
  set(loader "${CMAKE_CURRENT_BINARY_DIR}/${target}_loader.cmake")
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND "${CMAKE_COMMAND}" -D "PROGRAM=$<TARGET_FILE:${target}>" -D "OUTPUT=${cases}" -D "PREFIX=${folder}"
            -D "LIST_FLAGS=${NSAJIT_CATCH_LIST_FLAGS}" -D "GPU_TESTS=${NSAJIT_GPU_TESTS}"
            -P "${PROJECT_SOURCE_DIR}/cmake/NsajitDiscoverTests.cmake"
    BYPRODUCTS "${cases}" VERBATIM)
  # A program that was never built must fail the run, not vanish from it.
  file(WRITE "${loader}" "if(EXISTS \"${cases}\")\n  include(\"${cases}\")\nelse()\n"
       "  add_test([==[${folder}: not built]==] ${target}_not_built)\n"
       "  set_tests_properties([==[${folder}: not built]==] PROPERTIES LABELS unit)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${loader}")
endfunction()
