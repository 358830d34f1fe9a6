# What a distribution would build a network daemon with. The fortify macro needs optimisation and
# gets in the sanitizers' way, so sanitized builds go without it.
add_compile_options(-fstack-protector-strong -fno-plt)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
  add_compile_options(-fcf-protection)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT EASYJWT_SANITIZE)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
