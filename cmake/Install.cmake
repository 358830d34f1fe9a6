# `cmake --install` installs the program, the libraries with their headers, and a package for
# find_package(easyjwt COMPONENTS ...). Each library has an export of its own, so that a component
# brings the targets and dependencies that it needs and no others; easyjwtConfig.cmake.in knows which.
include(CMakePackageConfigHelpers)
set(easyjwt_package "${CMAKE_INSTALL_LIBDIR}/cmake/easyjwt")

install(TARGETS easyjwt)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/easyjwt" TYPE INCLUDE FILES_MATCHING
        PATTERN "*.hpp")
foreach(name core jose token fetch client db user auth http service)
  install(TARGETS easyjwt_${name} EXPORT easyjwt_${name})
  install(EXPORT easyjwt_${name} NAMESPACE easyjwt:: DESTINATION "${easyjwt_package}"
          FILE easyjwt-${name}.cmake)
endforeach()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/easyjwtConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/easyjwtConfig.cmake"
                              INSTALL_DESTINATION "${easyjwt_package}"
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/easyjwtConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/easyjwtConfig.cmake"
              "${PROJECT_BINARY_DIR}/easyjwtConfigVersion.cmake"
        DESTINATION "${easyjwt_package}")
