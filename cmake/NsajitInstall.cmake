# The relocatable tree: headers, sweeps, licence. Programs are installed where they are defined.
include(GNUInstallDirs)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/nsajit" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(EXISTS "${PROJECT_SOURCE_DIR}/sweeps")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/sweeps" DESTINATION share/nsajit)
endif()
