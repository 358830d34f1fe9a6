if(EASYJWT_SANITIZE)
  string(REPLACE ";" "," easyjwt_sanitizers "${EASYJWT_SANITIZE}")
  add_compile_options(-fsanitize=${easyjwt_sanitizers} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${easyjwt_sanitizers})
  if(EASYJWT_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio and libstdc++ use std::atomic_thread_fence, which ThreadSanitizer does not model.
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(EASYJWT_FUZZ)
  # The libraries, too: a fuzzer that sees no coverage searches blindly.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
