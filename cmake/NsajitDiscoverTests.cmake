# Script run after a test program is linked: asks it for its cases and writes one add_test() per case, labelled
# unit, slow or gpu by its tags. Not catch_discover_tests: that warns for each label without a case, and its form
# depends on Catch2's version.
# Wants PROGRAM, OUTPUT, PREFIX, LIST_FLAGS, GPU_TESTS.
cmake_minimum_required(VERSION 3.25)

function(nsajit_list_cases spec result)
  separate_arguments(flags UNIX_COMMAND "${LIST_FLAGS}")
  execute_process(COMMAND "${PROGRAM}" "${spec}" ${flags} OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE status)
  # Catch2 2 exits with the number of cases, so only a signal is a failure.
  if(NOT status MATCHES "^[0-9]+$")
    message(FATAL_ERROR "listing the tests of ${PROGRAM} failed: ${status}\n${errors}")
  endif()
  string(REPLACE ";" "\\;" text "${text}")
  string(REGEX REPLACE "\n+" ";" text "${text}")
  list(REMOVE_ITEM text "")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

set(script "")
foreach(label unit slow gpu)
  set(spec_unit "~[gpu]~[slow]")
  set(spec_slow "[slow]~[gpu]")
  set(spec_gpu "[gpu]")
  set(timeout_unit 120)
  set(timeout_slow 900)
  set(timeout_gpu 900)
  nsajit_list_cases("${spec_${label}}" cases)
  foreach(case IN LISTS cases)
    string(STRIP "${case}" case)
    string(REGEX REPLACE "([][,\\])" "\\\\\\1" pattern "${case}")   # a name is matched as a Catch2 pattern
    string(REGEX REPLACE "^-" "*" pattern "${pattern}")   # else taken for an option
    set(name "[==[${PREFIX}: ${case}]==]")
    string(APPEND script "add_test(${name} [==[${PROGRAM}]==] [==[${pattern}]==])\n"
           "set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout_${label}}")
    if(label STREQUAL "gpu" AND NOT GPU_TESTS)
      string(APPEND script " DISABLED ON")
    endif()
    string(APPEND script ")\n")
  endforeach()
endforeach()
if(script STREQUAL "")
  message(FATAL_ERROR "${PROGRAM} contains no tests")
endif()
file(WRITE "${OUTPUT}" "${script}")
