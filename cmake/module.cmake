include(GNUInstallDirs)

# coppice_module(NAME SOURCES ... [HEADERS ...] [PUBLIC libraries...] [PRIVATE libraries...])
# One library of the project: target coppice_NAME, alias coppice::NAME. Public headers live in include/, below
# the folder that calls this, and are installed with the target.
function(coppice_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  set(target coppice_${name})
  add_library(${target} ${MODULE_SOURCES})
  add_library(coppice::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${MODULE_HEADERS})
  target_link_libraries(${target} PUBLIC ${MODULE_PUBLIC}
                        PRIVATE $<BUILD_INTERFACE:coppice_build_flags> ${MODULE_PRIVATE})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON DEFINE_SYMBOL "" VERIFY_INTERFACE_HEADER_SETS ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH "$ORIGIN")
  install(TARGETS ${target} EXPORT coppiceTargets FILE_SET HEADERS
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()
