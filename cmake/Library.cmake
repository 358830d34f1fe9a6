# easyjwt_library(NAME SOURCES... ) makes easyjwt_NAME, alias easyjwt::NAME, with include/ public and
# src/ private.
function(easyjwt_library name)
  add_library(easyjwt_${name} STATIC ${ARGN})
  add_library(easyjwt::${name} ALIAS easyjwt_${name})
  target_include_directories(easyjwt_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include"
                                             PRIVATE "${PROJECT_SOURCE_DIR}/src")
  set_target_properties(easyjwt_${name} PROPERTIES EXPORT_NAME ${name})
endfunction()
