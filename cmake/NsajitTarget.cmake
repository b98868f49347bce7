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

# nsajit_add_tests(<folder> SOURCES ... LINK ...): executable test_<folder>, one ctest per case, labelled
# unit, slow or gpu by its tags.
function(nsajit_add_tests folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${folder} ${ARG_SOURCES})
  target_include_directories(test_${folder} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(test_${folder} PRIVATE nsajit_warnings nsajit_catch ${ARG_LINK})
  catch_discover_tests(test_${folder} TEST_SPEC "~[gpu]~[slow]" TEST_PREFIX "${folder}: "
                       PROPERTIES LABELS unit TIMEOUT 120)
  catch_discover_tests(test_${folder} TEST_SPEC "[slow]~[gpu]" TEST_PREFIX "${folder}: "
                       PROPERTIES LABELS slow TIMEOUT 900)
  install(TARGETS test_${folder} RUNTIME DESTINATION libexec/nsajit/tests COMPONENT tests)
endfunction()
