# The relocatable tree: headers, sweeps, benchmarks, licence. Programs and the library are installed where they are defined, into bin,
# lib and libexec below the prefix whatever the distribution's folder names are: programs find the library
# by its place relative to them.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/nsajit" DESTINATION include COMPONENT library)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION share/nsajit)
if(EXISTS "${PROJECT_SOURCE_DIR}/sweeps")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/sweeps" DESTINATION share/nsajit)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/cache/pretuned" DESTINATION share/nsajit)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/bench" DESTINATION share/nsajit FILES_MATCHING PATTERN "*.py" PATTERN "*.toml" PATTERN "*.txt"
        PATTERN "__pycache__" EXCLUDE)
