// A stream of requests, read in one piece and in pieces of other sizes: what it means must not
// depend on how the network cut it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "http/forwarded.hpp"
#include "http/request_reader.hpp"

namespace {

using easyjwt::http::Address;
using easyjwt::http::Header;
using easyjwt::http::Network;
using easyjwt::http::ReadLimits;
using easyjwt::http::Request;
using easyjwt::http::RequestReader;

void require(bool condition) {
  if (!condition) std::abort();
}

/// What stands left of an address that is not trusted must not count.
void check_forwarded(const Request& request) {
  static const std::array trusted{Network::parse("10.0.0.0/8").value(),
                                  Network::parse("2001:db8::/32").value()};
  const auto forwarded = easyjwt::http::read_forwarded(request.headers, trusted);
  require(forwarded.scheme.empty() || forwarded.scheme == "http" || forwarded.scheme == "https");
  if (!forwarded.client) return;
  Address::Text buffer;
  const auto text = forwarded.client->text(buffer);
  require(Address::parse(text).has_value());
  if (easyjwt::http::is_trusted(text, trusted)) return;
  std::vector<Header> more{{"X-Forwarded-For", "192.0.2.1, 10.0.0.1"}};
  more.insert(more.end(), request.headers.begin(), request.headers.end());
  Address::Text other;
  require(easyjwt::http::read_forwarded(more, trusted).client->text(other) == text);
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
        check_forwarded(request);
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
