# Headers, CMake package and pkg-config file. All of it is independent of the architecture, hence share/, not lib/.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/kernfold)
install(
  TARGETS kernfold kernfold_native
  EXPORT kernfold
  FILE_SET HEADERS
  FILE_SET cuda_headers)
install(
  EXPORT kernfold
  NAMESPACE kernfold::
  FILE kernfold-targets.cmake
  DESTINATION ${package_dir})

configure_package_config_file(cmake/kernfold-config.cmake.in kernfold-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(kernfold-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/kernfold-config.cmake ${PROJECT_BINARY_DIR}/kernfold-config-version.cmake
        DESTINATION ${package_dir})

configure_file(cmake/kernfold.pc.in kernfold.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kernfold.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
