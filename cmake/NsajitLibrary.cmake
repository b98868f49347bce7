# libnsajit.so: all folders below the programs in one library, so that LLVM is linked and carried once. Tests see
# every nsajit symbol; nothing of a third party leaves the library, or a process that also loads torch or triton,
# with an LLVM of their own, would mix the two. libstdc++ stays shared: exceptions cross the border, and two copies of
# it would count them apart.
set(NSAJIT_LIBRARY_FOLDERS core cache codegen templates runtime tuner)
list(TRANSFORM NSAJIT_LIBRARY_FOLDERS PREPEND nsajit_ OUTPUT_VARIABLE archives)

set(symbols "${PROJECT_SOURCE_DIR}/cmake/nsajit.symbols")
set(source "${PROJECT_BINARY_DIR}/nsajit_shared.cpp")   # CMake wants one
file(GENERATE OUTPUT "${source}" CONTENT "// libnsajit.so has no code of its own.\n")
add_library(nsajit_shared SHARED "${source}")
add_library(nsajit::shared ALIAS nsajit_shared)
list(JOIN archives "," archive_list)
target_link_libraries(nsajit_shared PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${archive_list}>")
# Each archive is also a dependency of another; once whole is enough.
set_target_properties(nsajit_shared PROPERTIES
  LINK_LIBRARY_OVERRIDE "WHOLE_ARCHIVE,${archive_list}"
  OUTPUT_NAME nsajit
  LINK_DEPENDS "${symbols}"
  INSTALL_RPATH "$ORIGIN")
target_include_directories(nsajit_shared INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_link_options(nsajit_shared PRIVATE "LINKER:--version-script=${symbols}")
install(TARGETS nsajit_shared LIBRARY DESTINATION lib)
