// A stream of requests, read in one piece and in pieces of other sizes: what it means must not
// depend on how the network cut it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "http/request_reader.hpp"

namespace {

using easyjwt::http::ReadLimits;
using easyjwt::http::Request;
using easyjwt::http::RequestReader;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string read(std::string_view bytes, const ReadLimits& limits, std::size_t piece) {
  RequestReader reader(limits);
  std::string out;
  for (;;) {
    switch (reader.advance()) {
      case RequestReader::Progress::refused:
        require(reader.refusal().status >= 400);
        return out.append("refused ").append(reader.refusal().text);
      case RequestReader::Progress::complete: {
        Request request;
        reader.view(request);
        require(reader.asterisk() || request.path.starts_with('/'));
        require(request.headers.size() <= limits.headers);
        require(request.body.size() <= limits.body);
        require(reader.http_1_0() || !request.host.empty());
        out.append(request.method_name).append(" ").append(request.path).append("?");
        out.append(request.query).append("@").append(request.host).append("\n");
        for (const auto& field : request.headers) {
          require(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
          out.append(field.name).append(":").append(field.value).append("\n");
        }
        out.append(request.id).append(reader.keep_alive() ? "+" : "-").append(request.body);
        reader.next();
        continue;
      }
      case RequestReader::Progress::need_more: break;
    }
    if (bytes.empty()) return out.append("end");
    const auto room = reader.room();
    const auto size = std::min({piece, bytes.size(), room.size()});
    std::memcpy(room.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    reader.received(size);
    piece = piece % 7 + 1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Small, so that the limits are met as well.
  const ReadLimits limits{.head = 512, .headers = 8, .uri = 128, .body = 256};
  const auto whole = read(bytes, limits, bytes.size());
  require(read(bytes, limits, 1) == whole);
  require(read(bytes, limits, data[0] + 1U) == whole);
  return 0;
}
