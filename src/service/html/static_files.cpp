#include "service/html/static_files.hpp"

#include <string>

#include "service/html/files.hpp"

namespace easyjwt::html {

void add_static_files(http::Router& router) {
  for (const auto& asset : assets) {
    router.add({.path = std::string(asset.path),
                .name = std::string(asset.name),
                .description = "What pages load.",
                .handlers = {{http::Method::get, [&asset](const http::Request&) -> http::Reply {
                                http::Response response;
                                response.body = asset.text;
                                response.content_type = asset.type;
                                response.add("Cache-Control",
                                             "public, max-age=31536000, immutable");
                                return response;
                              }}}});
  }
}

}  // namespace easyjwt::html
