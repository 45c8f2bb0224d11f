# What the tests, benchmarks and examples share: build type, CUDA if there is a compiler for it, warnings. Nothing
# here touches kernfold::kernfold.

option(KERNFOLD_CUDA "Use a CUDA compiler, where there is one, in kernfold's own tests, benchmarks and examples" ON)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release)
  endif()
  if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(KERNFOLD_CCACHE ccache)
    mark_as_advanced(KERNFOLD_CCACHE)
    if(KERNFOLD_CCACHE)
      set(CMAKE_CXX_COMPILER_LAUNCHER ${KERNFOLD_CCACHE})
      set(CMAKE_CUDA_COMPILER_LAUNCHER ${KERNFOLD_CCACHE})
    endif()
  endif()
endif()

enable_testing()

# kernfold_skip(WHAT WHY): everything optional that is left out says so, once, in the same form.
function(kernfold_skip what why)
  message(STATUS "kernfold: skipping ${what}: ${why}")
endfunction()

if(NOT KERNFOLD_CUDA)
  kernfold_skip("everything for CUDA" "KERNFOLD_CUDA is off")
else()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    # "native" needs a GPU at configure time; without one the default of CMake 3.25 would be an architecture of 2018. A
    # container may be given any of a machine's GPUs, and none has a driver that does not answer.
    file(GLOB kernfold_gpus /dev/nvidia[0-9]*)
    find_program(KERNFOLD_NVIDIA_SMI nvidia-smi)
    mark_as_advanced(KERNFOLD_NVIDIA_SMI)
    if(kernfold_gpus AND KERNFOLD_NVIDIA_SMI)
      execute_process(COMMAND ${KERNFOLD_NVIDIA_SMI} -L RESULT_VARIABLE kernfold_no_driver OUTPUT_QUIET ERROR_QUIET)
      if(kernfold_no_driver)
        set(kernfold_gpus)
      endif()
    endif()
    if(kernfold_gpus)
      set(CMAKE_CUDA_ARCHITECTURES native)
    else()
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
  else()
    kernfold_skip("everything for CUDA" "no CUDA compiler found")
  endif()
endif()

# Our own code builds without a warning; the presets for development turn warnings into errors
# (CMAKE_COMPILE_WARNING_AS_ERROR). A host-device function that calls a host one is an error always: nvcc only warns.
add_library(kernfold_warnings INTERFACE)
target_compile_options(
  kernfold_warnings
  INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic>
            $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-Xcompiler=-Wall,-Wextra;-Werror=cross-execution-space-call>)
