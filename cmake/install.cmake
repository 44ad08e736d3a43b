# The CMake package: find_package(coppice) with the components core, kernels, io, tune, scoring, serve.
include(CMakePackageConfigHelpers)

add_library(coppice_all INTERFACE)
add_library(coppice::coppice ALIAS coppice_all)
target_link_libraries(coppice_all INTERFACE coppice_core coppice_kernels coppice_io coppice_tune coppice_scoring)
set_target_properties(coppice_all PROPERTIES EXPORT_NAME coppice)
install(TARGETS coppice_all EXPORT coppiceTargets)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/coppice)
configure_package_config_file(cmake/coppiceConfig.cmake.in coppiceConfig.cmake INSTALL_DESTINATION ${package_folder})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(coppiceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coppiceConfig.cmake ${PROJECT_BINARY_DIR}/coppiceConfigVersion.cmake
        DESTINATION ${package_folder})
install(EXPORT coppiceTargets NAMESPACE coppice:: DESTINATION ${package_folder})
