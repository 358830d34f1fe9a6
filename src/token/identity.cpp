#include "easyjwt/token/identity.hpp"

#include <algorithm>

namespace easyjwt {

bool Identity::has_perm(std::string_view permission) const {
  if (!is_active) return false;
  return is_superuser || std::binary_search(permissions.begin(), permissions.end(), permission);
}

}  // namespace easyjwt
