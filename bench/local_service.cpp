// A client-service with one answer twice: for whoever is logged in, and for everybody.

#include <easyjwt/service/program.hpp>

using namespace easyjwt;

int main(int argc, char** argv) {
  const auto answer = [](const http::Request&, const Identity&) {
    return http::Response::json("\"success\"");
  };
  Program program;
  program.get("/api/test/", is_authenticated(), answer);
  program.get("/api/open/", allow_any(), answer);
  return program.run(argc, argv);
}
