# easyjwt_library(NAME SOURCES... ) makes easyjwt_NAME, alias easyjwt::NAME, with include/ public and
# src/ private. Install.cmake lists those that are installed.
function(easyjwt_library name)
  add_library(easyjwt_${name} STATIC ${ARGN})
  add_library(easyjwt::${name} ALIAS easyjwt_${name})
  target_include_directories(easyjwt_${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
           "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  # For those who use the headers from elsewhere: here Dialect.cmake says so.
  target_compile_features(easyjwt_${name} PUBLIC cxx_std_20)
  set_target_properties(easyjwt_${name} PROPERTIES EXPORT_NAME ${name})
endfunction()
