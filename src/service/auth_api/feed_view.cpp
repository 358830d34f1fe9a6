#include "service/auth_api/feed_view.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "easyjwt/core/json.hpp"
#include "easyjwt/core/waiting.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/jose/jws.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

struct Question {
  std::string after;
  std::chrono::seconds wait{0};
};

Result<Question> read_question(const Request& request) {
  const auto bad = [](std::string_view what) {
    return fail(oauth_error(Errc::bad_request, "invalid_request", what));
  };
  const auto form = http::parse_urlencoded(request.query);
  if (!form) return bad("There are too many parameters.");
  Question question;
  const auto after = read_parameter(*form, "after");
  if (!after) return fail(after.error());
  question.after = after->value_or("");
  const auto wait = read_parameter(*form, "wait");
  if (!wait) return fail(wait.error());
  if (*wait) {
    const auto& text = **wait;
    int seconds = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (ec != std::errc() || end != text.data() + text.size() || seconds < 0) {
      return bad("The parameter \"wait\" must be a number of seconds.");
    }
    question.wait = std::chrono::seconds{seconds};
  }
  return question;
}

std::string to_payload(const RevocationFeed::Page& page, Time now) {
  std::string out = "{\"events\":[";
  for (const auto& event : page.events) {
    if (out.back() != '[') out += ',';
    append_json(out, to_json(event));
  }
  out += "],\"cursor\":";
  append_json_string(out, page.cursor);
  out += page.snapshot ? ",\"snapshot\":true" : ",\"snapshot\":false";
  out += page.more ? ",\"more\":true" : ",\"more\":false";
  out += ",\"at\":" + std::to_string(now.time_since_epoch().count()) + '}';
  return out;
}

}  // namespace

http::Handler feed_view(const ClientGuard& clients, RevocationFeed& feed, const TokenCodec& codec,
                        Clock clock) {
  return [&clients, &feed, &codec, clock = std::move(clock)](const Request& request) -> Reply {
    const auto client = clients.require(request, ClientScope::feed);
    if (!client) return client.error();
    const auto question = read_question(request);
    if (!question) return question.error();
    // Only now: strangers have no thread to wait in.
    if (!may_wait()) return Error{Errc::would_wait};
    const auto page = feed.page(question->after, question->wait);
    if (!page) return page.error();
    auto response = *page
                        ? Response::json(codec.sign(to_payload(**page, clock()), jose::events_typ))
                        : Response::json(R"({"detail":"This cursor is out of date."})", 410);
    if (*page) response.content_type = "application/jwt";
    response.add("Cache-Control", "no-store");
    return response;
  };
}

}  // namespace easyjwt
