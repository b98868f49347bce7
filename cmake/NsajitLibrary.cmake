# libnsajit.so: all folders below the programs in one library, so that LLVM is linked and carried once. Tests see
# every nsajit symbol; nothing of a third party leaves the library, or a process that also loads torch or triton,
# with an LLVM of their own, would mix the two. libstdc++ stays shared: exceptions cross the border, and two copies of
# it would count them apart.
set(folders core cache codegen templates runtime tuner)
list(TRANSFORM folders REPLACE "(.+)" "$<TARGET_OBJECTS:nsajit_\\1>" OUTPUT_VARIABLE objects)
list(TRANSFORM folders PREPEND nsajit_ OUTPUT_VARIABLE archives)
set(symbols "${PROJECT_SOURCE_DIR}/cmake/nsajit.symbols")

# Every object, reached or not: operations are looked up, tests call what programs do not. The archives then
# add nothing of their own; they bring their external libraries.
add_library(nsajit_shared SHARED ${objects})
add_library(nsajit::shared ALIAS nsajit_shared)
target_link_libraries(nsajit_shared PRIVATE ${archives})
target_include_directories(nsajit_shared INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_link_options(nsajit_shared PRIVATE "LINKER:--version-script=${symbols}")
if(NOT NSAJIT_SANITIZE)   # the sanitizers' own functions are defined by the program
  target_link_options(nsajit_shared PRIVATE "LINKER:-z,defs")
endif()
set_target_properties(nsajit_shared PROPERTIES OUTPUT_NAME nsajit LINKER_LANGUAGE CXX LINK_DEPENDS "${symbols}"
                      INSTALL_RPATH "$ORIGIN")
install(TARGETS nsajit_shared LIBRARY DESTINATION lib COMPONENT library)
