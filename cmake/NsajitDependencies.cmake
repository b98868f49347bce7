# External libraries, each as one imported or interface target. Header-only fmt and spdlog: Debian's
# compiled targets would pull in shared libraries.
find_package(Threads REQUIRED)

find_path(NSAJIT_FMT_INCLUDE fmt/format.h REQUIRED)
add_library(nsajit_fmt INTERFACE)
target_compile_definitions(nsajit_fmt INTERFACE FMT_HEADER_ONLY=1)
target_include_directories(nsajit_fmt SYSTEM INTERFACE "${NSAJIT_FMT_INCLUDE}")

find_path(NSAJIT_SPDLOG_INCLUDE spdlog/spdlog.h REQUIRED)
add_library(nsajit_spdlog INTERFACE)
target_compile_definitions(nsajit_spdlog INTERFACE SPDLOG_FMT_EXTERNAL=1)
target_include_directories(nsajit_spdlog SYSTEM INTERFACE "${NSAJIT_SPDLOG_INCLUDE}")
target_link_libraries(nsajit_spdlog INTERFACE nsajit_fmt)

# Static archives keep the installed tree relocatable.
function(nsajit_import_static name header archive)
  find_path(NSAJIT_${name}_INCLUDE ${header} REQUIRED)
  find_library(NSAJIT_${name}_LIBRARY NAMES ${archive} REQUIRED)
  add_library(nsajit_${name} INTERFACE)
  target_include_directories(nsajit_${name} SYSTEM INTERFACE "${NSAJIT_${name}_INCLUDE}")
  target_link_libraries(nsajit_${name} INTERFACE "${NSAJIT_${name}_LIBRARY}")
endfunction()
nsajit_import_static(xxhash xxhash.h libxxhash.a)
nsajit_import_static(zstd zstd.h libzstd.a)
nsajit_import_static(sqlite sqlite3.h libsqlite3.a)
target_link_libraries(nsajit_sqlite INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)

foreach(pair "json:nlohmann/json.hpp" "toml:toml++/toml.h" "cli11:CLI/CLI.hpp")
  string(REPLACE ":" ";" pair "${pair}")
  list(GET pair 0 name)
  list(GET pair 1 header)
  find_path(NSAJIT_${name}_INCLUDE ${header} REQUIRED)
  add_library(nsajit_${name} INTERFACE)
  target_include_directories(nsajit_${name} SYSTEM INTERFACE "${NSAJIT_${name}_INCLUDE}")
endforeach()

# CUDA headers are wanted at build time only; libcuda and libnvrtc are opened at run time.
find_path(NSAJIT_CUDA_INCLUDE cuda.h PATHS "$ENV{CUDA_HOME}/include" /usr/local/cuda/include)
find_path(NSAJIT_NVRTC_INCLUDE nvrtc.h PATHS "$ENV{CUDA_HOME}/include" /usr/local/cuda/include)
if(NSAJIT_CUDA AND NSAJIT_CUDA_INCLUDE AND NSAJIT_NVRTC_INCLUDE)
  set(NSAJIT_HAVE_CUDA ON)
  add_library(nsajit_cuda_headers INTERFACE)
  target_include_directories(nsajit_cuda_headers SYSTEM INTERFACE "${NSAJIT_CUDA_INCLUDE}" "${NSAJIT_NVRTC_INCLUDE}")
  message(STATUS "nsajit: CUDA headers found, building the CUDA and CPU backends")
else()
  set(NSAJIT_HAVE_CUDA OFF)
  message(STATUS "nsajit: no CUDA headers (or NSAJIT_CUDA=OFF), building the CPU backend only")
endif()
