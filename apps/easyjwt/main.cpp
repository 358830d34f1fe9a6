#include "easyjwt/service/program.hpp"

int main(int argc, char** argv) {
  easyjwt::Program program;
  return program.run(argc, argv);
}
