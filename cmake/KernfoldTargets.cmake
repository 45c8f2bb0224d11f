# kernfold::kernfold, the headers, and kernfold::native, the same for the machine that builds.

if(PROJECT_IS_TOP_LEVEL)
  set(configure_depends CONFIGURE_DEPENDS)  # a parent's build need not look for new headers of ours
endif()
file(GLOB_RECURSE kernfold_headers ${configure_depends} ${PROJECT_SOURCE_DIR}/include/*.hpp ${PROJECT_SOURCE_DIR}/include/*.h)
file(GLOB_RECURSE kernfold_cuda_headers ${configure_depends} ${PROJECT_SOURCE_DIR}/include/*.cuh)

add_library(kernfold INTERFACE)
add_library(kernfold::kernfold ALIAS kernfold)
target_sources(
  kernfold
  INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${kernfold_headers}
  INTERFACE FILE_SET cuda_headers TYPE HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${kernfold_cuda_headers})
set_target_properties(kernfold PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL}
                                          INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
target_compile_features(kernfold INTERFACE cxx_std_20)
# CMake 3.25.1 (Debian 12) ignores CUDA_STANDARD 20 without a word, and does not know cuda_std_20: the flag itself works.
target_compile_options(kernfold INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)

# Faster to compile: one instruction set instead of three. The program then needs a machine like this one.
add_library(kernfold_native INTERFACE)
add_library(kernfold::native ALIAS kernfold_native)
set_target_properties(kernfold_native PROPERTIES EXPORT_NAME native)
target_link_libraries(kernfold_native INTERFACE kernfold)
target_compile_options(
  kernfold_native INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>
                            $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=-march=native>)
