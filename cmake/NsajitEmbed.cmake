# Embeds checked-in device code into a library: text files as they are, CPU templates as LLVM bitcode.
# A change of one file re-runs only its clang call and the assembly of one small generated source.

# The clang that writes the bitcode must be of the LLVM that reads it.
find_program(NSAJIT_CLANG NAMES clang++-${NSAJIT_LLVM_VERSION}
             HINTS /usr/lib/llvm-${NSAJIT_LLVM_VERSION}/bin /usr/local/opt/llvm@${NSAJIT_LLVM_VERSION}/bin)
if(NOT NSAJIT_CLANG)
  find_program(NSAJIT_CLANG NAMES clang++ HINTS /usr/lib/llvm-${NSAJIT_LLVM_VERSION}/bin)
endif()
if(NSAJIT_CLANG)
  execute_process(COMMAND "${NSAJIT_CLANG}" -dumpversion OUTPUT_VARIABLE NSAJIT_CLANG_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
if(NOT NSAJIT_CLANG OR NOT NSAJIT_CLANG_VERSION MATCHES "^${NSAJIT_LLVM_VERSION}\\.")
  message(FATAL_ERROR "nsajit: the CPU templates need clang++ ${NSAJIT_LLVM_VERSION}; found '${NSAJIT_CLANG}' version "
          "'${NSAJIT_CLANG_VERSION}'. Install clang-${NSAJIT_LLVM_VERSION}, or set NSAJIT_CLANG to its clang++.")
endif()

# Optimisation is left to the run time, where the constants and the CPU are known: -O1 keeps functions
# optimisable, -disable-llvm-passes stops there. Infinities and NaNs stay exact (an empty row's
# log-sum-exp is -inf); a template asks for more freedom with `#pragma clang fp`. No ABI warnings: callers and callees of
# a module get the same CPU features at run time.
set(NSAJIT_CPU_TEMPLATE_FLAGS -O1 -Xclang -disable-llvm-passes -emit-llvm -std=c++20 -fPIC -fno-exceptions -fno-rtti
    -fno-math-errno -fno-trapping-math -ffp-contract=fast -fno-stack-protector -fno-unwind-tables
    -fno-asynchronous-unwind-tables -fvisibility=hidden -Wall -Wextra -Wno-psabi)

# nsajit_add_bitcode(<source relative to the project> <output.bc>): the relative path goes into the bitcode as its
# source name, so that its bytes, and the cache keys made from them, do not depend on where the tree lies.
function(nsajit_add_bitcode source output)
  get_filename_component(folder "${output}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${NSAJIT_CLANG}" ${NSAJIT_CPU_TEMPLATE_FLAGS} -I templates -I include -I .
            -MD -MT "${output}" -MF "${output}.d" -c "${source}" -o "${output}"
    DEPENDS "${PROJECT_SOURCE_DIR}/${source}" DEPFILE "${output}.d" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "Bitcode of ${source}" VERBATIM)
endfunction()

# nsajit_embed(<generated.cpp> <function> <path>=<file>...): defines std::span<const EmbeddedFile> nsajit::codegen::<function>()
# over the given files. .incbin leaves the reading to the assembler: nothing to translate, whatever the size.
function(nsajit_embed generated function)
  set(blobs "")
  set(rows "")
  set(files "")
  set(number 0)
  foreach(entry ${ARGN})
    string(REGEX MATCH "^([^=]+)=(.+)$" unused "${entry}")
    set(path "${CMAKE_MATCH_1}")
    set(file "${CMAKE_MATCH_2}")
    set(symbol "nsajit_${function}_${number}")
    string(APPEND blobs "NSAJIT_BLOB(${symbol}, \"${file}\")\n")
    string(APPEND rows "      {\"${path}\", {${symbol}, static_cast<std::size_t>(${symbol}_end - ${symbol})}},\n")
    list(APPEND files "${file}")
    math(EXPR number "${number} + 1")
  endforeach()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/embedded_files.cpp.in" "${generated}" @ONLY)
  set_source_files_properties("${generated}" PROPERTIES OBJECT_DEPENDS "${files}")
endfunction()

# nsajit_embed_templates(<generated.cpp>): every device header, every argument header and every CPU template
# of the tree, under the paths that embedded_templates.h names.
function(nsajit_embed_templates generated)
  set(entries "")
  file(GLOB_RECURSE headers FOLLOW_SYMLINKS CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/templates" "${PROJECT_SOURCE_DIR}/templates/*.cuh")
  foreach(header ${headers})
    list(APPEND entries "${header}=${PROJECT_SOURCE_DIR}/templates/${header}")
  endforeach()
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/include/nsajit/*_args.h")
  foreach(header ${headers})
    list(APPEND entries "${header}=${PROJECT_SOURCE_DIR}/include/${header}")
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/templates" "${PROJECT_SOURCE_DIR}/templates/*/*_cpu.cpp")
  foreach(source ${sources})
    string(REGEX REPLACE "\\.cpp$" ".bc" module "${source}")
    nsajit_add_bitcode("templates/${source}" "${CMAKE_CURRENT_BINARY_DIR}/bitcode/${module}")
    list(APPEND entries "${module}=${CMAKE_CURRENT_BINARY_DIR}/bitcode/${module}")
  endforeach()
  nsajit_embed("${generated}" built_in_files ${entries})
endfunction()
