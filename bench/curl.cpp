// A bare libcurl loop: what GETs over one kept connection cost at least.
//   bench_curl URL TOKEN COUNT     prints microseconds of its own CPU time per request

#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::size_t append(char* data, std::size_t, std::size_t size, void* to) {
  static_cast<std::string*>(to)->append(data, size);
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_curl URL TOKEN COUNT\n");
    return 2;
  }
  CURL* handle = curl_easy_init();
  std::string body;
  curl_slist* headers =
      curl_slist_append(nullptr, ("Authorization: Bearer " + std::string(argv[2])).c_str());
  curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  const int count = std::atoi(argv[3]);
  const double start = cpu_seconds();
  for (int i = 0; i < count; ++i) {
    body.clear();
    long status = 0;
    if (curl_easy_perform(handle) != CURLE_OK ||
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200) {
      std::fprintf(stderr, "request %d was not answered 200\n", i);
      return 1;
    }
  }
  std::printf("%.2f\n", (cpu_seconds() - start) / count * 1e6);
  curl_slist_free_all(headers);
  curl_easy_cleanup(handle);
}
