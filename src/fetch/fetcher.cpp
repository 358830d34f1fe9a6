#include "easyjwt/fetch/fetcher.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "easyjwt/core/waiting.hpp"
#include "fetch/libcurl.hpp"
#include "fetch/plain_connection.hpp"

namespace easyjwt::fetch {
namespace {

/// libcurl bounds a single header only.
constexpr std::size_t max_headers = 64 * 1024;

using Url = std::unique_ptr<CURLU, CurlDeleter<&Libcurl::curl_url_cleanup>>;
using UrlPart = std::unique_ptr<char, CurlDeleter<&Libcurl::curl_free>>;

UrlPart part(const Url& url, CURLUPart what, unsigned flags = 0) {
  char* text = nullptr;
  curl.curl_url_get(url.get(), what, &text, flags);
  return UrlPart(text);
}

Url parse(const std::string& text) {
  load_libcurl();
  Url url(curl.curl_url());
  if (!url) throw std::bad_alloc();
  if (curl.curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::optional<std::string> refuse(const Url& url) {
  if (!url) return "is no http:// or https:// URL";
  const auto scheme = part(url, CURLUPART_SCHEME);
  const std::string_view name = scheme ? scheme.get() : "";
  if (name != "http" && name != "https") return "is no http:// or https:// URL";
  if (part(url, CURLUPART_USER) || part(url, CURLUPART_PASSWORD)) {
    return "must not hold credentials";
  }
  return std::nullopt;
}

/// What of a URL may stand in a log.
std::string describe(const Url& url) {
  std::string out;
  for (const auto& [what, before] :
       {std::pair{CURLUPART_SCHEME, ""}, {CURLUPART_HOST, "://"}, {CURLUPART_PORT, ":"}}) {
    if (const auto text = part(url, what)) out.append(before).append(text.get());
  }
  if (const auto path = part(url, CURLUPART_PATH)) out += path.get();
  return out;
}

/// What one URL comes to.
struct Place {
  std::optional<std::string> wrong;
  std::string name;                   ///< for the log
  std::optional<PlainOrigin> origin;  ///< where we speak HTTP ourselves
  std::string target;
};

/// Whether a proxy of the environment may be meant for http://, as libcurl has it: then it is
/// libcurl's to find out.
bool may_have_proxy() {
  const auto is_set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  for (const char* name : {"no_proxy", "NO_PROXY"}) {
    if (is_set(name) && std::string_view(std::getenv(name)) == "*") return false;
  }
  return is_set("http_proxy") || is_set("all_proxy") || is_set("ALL_PROXY");
}

/// nullopt: TLS, or a host for libcurl to make sense of.
std::optional<PlainOrigin> plain_origin(const Url& url) {
  const auto scheme = part(url, CURLUPART_SCHEME), host = part(url, CURLUPART_HOST);
  const auto port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (!scheme || !host || !port || std::string_view(scheme.get()) != "http") return std::nullopt;
  constexpr std::string_view known =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  PlainOrigin origin{.host = host.get(), .port = port.get(), .authority = host.get()};
  if (origin.host.front() == '[') {
    origin.host = origin.host.substr(1, origin.host.size() - 2);
    if (origin.host.find_first_not_of("0123456789abcdefABCDEF:.") != origin.host.npos) {
      return std::nullopt;
    }
  } else if (origin.host.find_first_not_of(known) != origin.host.npos) {
    return std::nullopt;
  }
  if (origin.port != "80") origin.authority += ':' + origin.port;
  return origin;
}

std::string target_of(const Url& url) {
  std::string target;
  if (const auto path = part(url, CURLUPART_PATH)) target = path.get();
  if (const auto query = part(url, CURLUPART_QUERY)) target.append("?").append(query.get());
  return target;
}

/// One exchange, as the callbacks see it. They are called through C: no exception may leave them.
struct Exchange {
  FetchedResponse response;
  std::size_t max_body = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
  std::stop_token stop;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) noexcept try {
  auto& exchange = *static_cast<Exchange*>(user);
  if (size > exchange.max_body - exchange.response.body.size()) {
    exchange.too_large = true;
    return 0;
  }
  exchange.response.body.append(data, size);
  return size;
} catch (const std::exception&) {
  return 0;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) noexcept try {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.header_bytes += size;
  if (exchange.header_bytes > max_headers) {
    exchange.too_large = true;
    return 0;
  }
  std::string_view line(data, size);
  auto& headers = exchange.response.headers;
  // A status line: what came before it was an interim answer (100 Continue).
  if (line.starts_with("HTTP/")) headers.clear();
  const auto colon = line.find(':');
  if (colon == line.npos) return size;
  const auto name = line.substr(0, colon);
  line.remove_prefix(colon + 1);
  const auto first = line.find_first_not_of(" \t\r\n");
  const auto last = line.find_last_not_of(" \t\r\n");
  headers.push_back({std::string(name), first == line.npos
                                            ? std::string()
                                            : std::string(line.substr(first, last - first + 1))});
  return size;
} catch (const std::exception&) {
  return 0;
}

int is_stopped(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Exchange*>(user)->stop.stop_requested() ? 1 : 0;
}

/// libcurl sends what it is given: a line end in a value would begin a header of its own, or a
/// request.
bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view FetchedResponse::header(std::string_view name) const noexcept {
  for (const auto& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

std::optional<std::string> refuse_url(const std::string& url) { return refuse(parse(url)); }

struct Fetcher::Impl {
  using Plain = std::unique_ptr<PlainConnection>;

  explicit Impl(FetcherSettings s) : settings(std::move(s)), has_proxy(may_have_proxy()) {
    // So that giving one back cannot fail.
    idle.reserve(settings.max_handles);
    idle_plain.reserve(settings.max_handles);
  }

  /// A connection to `origin`, not yet open where none is idle; with it an exchange counts as one
  /// of max_handles. Null: there are none left.
  Plain take(const PlainOrigin& origin) {
    const std::lock_guard lock(mutex);
    if (plain == settings.max_handles) return nullptr;
    const auto same = [&](const Plain& one) { return one->origin() == origin; };
    // The one that was used last, as below.
    const auto found = std::find_if(idle_plain.rbegin(), idle_plain.rend(), same);
    Plain connection;
    if (found != idle_plain.rend()) {
      connection = std::move(*found);
      idle_plain.erase(std::next(found).base());
    } else {
      connection = std::make_unique<PlainConnection>(
          origin,
          ResponseReader::Limits{.max_headers = max_headers, .max_body = settings.max_body});
    }
    ++plain;
    return connection;
  }
  void give_back(Plain connection) noexcept {
    const std::lock_guard lock(mutex);
    --plain;
    if (!connection->is_open()) return;
    if (idle_plain.size() == settings.max_handles) idle_plain.erase(idle_plain.begin());
    idle_plain.push_back(std::move(connection));
  }

  Result<FetchedResponse> fetch_plain(const Place& place, const FetchRequest& request) {
    const auto failed = [&](std::string_view why) {
      return fail(Errc::unavailable, {}, explain(place, request, why));
    };
    const auto now = std::chrono::steady_clock::now();
    auto connection = take(*place.origin);
    if (!connection) return fail(Errc::busy, {}, place.name + ": too many exchanges at a time");
    const auto deadline = now + settings.total_timeout;
    std::optional<std::string> wrong;
    PlainConnection::Outcome outcome;
    try {
      // A second time where a kept connection turns out to have been closed meanwhile.
      for (int attempt = 0; attempt < 2; ++attempt) {
        if (!connection->is_open()) {
          wrong = connection->connect(std::min(deadline, now + settings.connect_timeout));
          if (wrong) break;
        }
        outcome = connection->exchange(request, place.target, deadline);
        if (!outcome.no_byte_came) break;
      }
    } catch (...) {
      give_back(std::move(connection));
      throw;
    }
    give_back(std::move(connection));
    if (wrong) return failed(*wrong);
    if (!outcome.response) return failed(outcome.why);
    return *std::move(outcome.response);
  }

  static std::string explain(const Place& place, const FetchRequest& request,
                             std::string_view why) {
    return std::string(request.body ? "POST " : "GET ") + place.name + ": " + std::string(why);
  }

  /// A handle with what is the same for every exchange. The one that was used last: its connection
  /// is the likeliest to be open still. Null: there are none left.
  CurlHandle take() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        CurlHandle handle = std::move(idle.back());
        idle.pop_back();
        return handle;
      }
      if (handles == settings.max_handles) return nullptr;
      ++handles;
    }
    try {
      CurlHandle handle(curl.curl_easy_init());
      if (!handle) throw std::bad_alloc();
      prepare(handle.get());
      return handle;
    } catch (...) {
      const std::lock_guard lock(mutex);
      --handles;
      throw;
    }
  }
  void give_back(CurlHandle handle) noexcept {
    // What the exchange lent it. curl_easy_reset() would have all the rest set again, every time.
    curl.curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
    curl.curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
    curl.curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(handle));
  }

  void prepare(CURL* handle) const {
    set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle, CURLOPT_FOLLOWLOCATION, 0L);
    set(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(handle, CURLOPT_USERAGENT, "easyjwt");
    // Signals are the process's, and SIGALRM would be one per process.
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_QUICK_EXIT, 1L);
    set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
    set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.total_timeout.count()));
    set(handle, CURLOPT_WRITEFUNCTION, take_body);
    set(handle, CURLOPT_HEADERFUNCTION, take_header);
    set(handle, CURLOPT_XFERINFOFUNCTION, is_stopped);
    set(handle, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    set(handle, CURLOPT_SSL_VERIFYPEER, settings.tls_verify ? 1L : 0L);
    set(handle, CURLOPT_SSL_VERIFYHOST, settings.tls_verify ? 2L : 0L);
    if (!settings.ca_file.empty()) set(handle, CURLOPT_CAINFO, settings.ca_file.c_str());
  }

  static void prepare(CURL* handle, const FetchRequest& request, const CurlList& headers,
                      Exchange& exchange, char* error) {
    set(handle, CURLOPT_ERRORBUFFER, error);
    set(handle, CURLOPT_URL, request.url.c_str());
    set(handle, CURLOPT_HTTPHEADER, headers.get());
    if (request.body) {
      set(handle, CURLOPT_POST, 1L);
      set(handle, CURLOPT_POSTFIELDS, request.body->data());
      set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    } else {
      set(handle, CURLOPT_HTTPGET, 1L);
    }
    set(handle, CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
    set(handle, CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
    set(handle, CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
    set(handle, CURLOPT_NOPROGRESS, exchange.stop.stop_possible() ? 0L : 1L);
  }

  /// What may be said of a URL, or why it is refused. The same few come again and again.
  std::shared_ptr<const Place> place_of(const std::string& url) {
    constexpr std::size_t most = 16;
    {
      const std::lock_guard lock(mutex);
      for (const auto& [known, place] : places) {
        if (known == url) return place;
      }
    }
    const auto parsed = parse(url);
    auto place = std::make_shared<Place>();
    place->wrong = refuse(parsed);
    if (!place->wrong) {
      place->name = describe(parsed);
      place->target = target_of(parsed);
      if (!has_proxy) place->origin = plain_origin(parsed);
    }
    const std::lock_guard lock(mutex);
    if (places.size() == most) places.erase(places.begin());
    places.emplace_back(url, place);
    return place;
  }

  const FetcherSettings settings;
  const bool has_proxy;
  std::mutex mutex;
  std::vector<CurlHandle> idle;
  std::size_t handles = 0;
  std::vector<Plain> idle_plain;
  std::size_t plain = 0;  ///< exchanges over a PlainConnection
  std::vector<std::pair<std::string, std::shared_ptr<const Place>>> places;
};

Fetcher::Fetcher(FetcherSettings settings) : impl_(new Impl(std::move(settings))) {
  load_libcurl();
}
Fetcher::~Fetcher() = default;

const FetcherSettings& Fetcher::settings() const noexcept { return impl_->settings; }

Result<FetchedResponse> Fetcher::fetch(const FetchRequest& request) {
  if (!may_wait()) return fail(Errc::would_wait);
  const auto known = impl_->place_of(request.url);
  const auto& place = *known;
  if (place.wrong) return fail(Errc::unavailable, {}, "the URL " + *place.wrong);
  const auto failed = [&](std::string_view why) {
    return fail(Errc::unavailable, {}, Impl::explain(place, request, why));
  };
  for (const auto& [name, value] : request.headers) {
    if (!is_clean(name) || !is_clean(value)) return failed("a header has control characters");
  }
  if (place.origin) return impl_->fetch_plain(place, request);

  CurlList headers;
  append(headers, "Expect:");  // a round trip more, for nothing
  for (const auto& [name, value] : request.headers) {
    append(headers, name + (value.empty() ? ";" : ": " + value));
  }
  auto handle = impl_->take();
  if (!handle) return fail(Errc::busy, {}, place.name + ": too many exchanges at a time");
  Exchange exchange;
  exchange.max_body = impl_->settings.max_body;
  exchange.stop = request.stop;
  std::array<char, CURL_ERROR_SIZE> error{};
  CURLcode code = CURLE_OK;
  try {
    Impl::prepare(handle.get(), request, headers, exchange, error.data());
    code = curl.curl_easy_perform(handle.get());
  } catch (...) {
    impl_->give_back(std::move(handle));
    throw;
  }
  long status = 0;
  curl.curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  impl_->give_back(std::move(handle));
  if (exchange.too_large) return failed("the answer is too large");
  if (code == CURLE_ABORTED_BY_CALLBACK) return failed("stopped");
  if (code != CURLE_OK)
    return failed(error[0] != '\0' ? error.data() : curl.curl_easy_strerror(code));
  exchange.response.status = static_cast<int>(status);
  return std::move(exchange.response);
}

}  // namespace easyjwt::fetch
