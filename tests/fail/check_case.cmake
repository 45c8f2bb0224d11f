# cmake -D COMPILER=... -D INCLUDE=... -D FILE=... -D CASE=n -P check_case.cmake
# Case 0 must compile. Case n > 0 must be refused, and the message must hold the sentence that the case expects.
if(FILE MATCHES "\\.cu$")
  set(flags -arch=sm_90 -cuda -o /dev/null) # both front ends, and no device code
else()
  set(flags -fsyntax-only)
endif()
execute_process(
  COMMAND ${COMPILER} -std=c++20 ${flags} -I${INCLUDE} -DCASE=${CASE} ${FILE}
  RESULT_VARIABLE status
  OUTPUT_VARIABLE message
  ERROR_VARIABLE message)

if(CASE EQUAL 0)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "The twins of ${FILE} must compile:\n${message}")
  endif()
  return()
endif()

file(STRINGS ${FILE} line REGEX "^#if CASE == ${CASE} +// expect: ")
string(REGEX REPLACE "^#if CASE == [0-9]+ +// expect: " "" expected "${line}")
string(REPLACE "\\;" ";" expected "${expected}") # file(STRINGS) makes lists
if(expected STREQUAL "")
  message(FATAL_ERROR "${FILE}: case ${CASE} expects nothing")
elseif(status EQUAL 0)
  message(FATAL_ERROR "${FILE}: case ${CASE} must not compile")
endif()
string(FIND "${message}" "${expected}" position)
if(position EQUAL -1)
  message(FATAL_ERROR "${FILE}: case ${CASE} is refused, but not with \"${expected}\":\n${message}")
endif()
