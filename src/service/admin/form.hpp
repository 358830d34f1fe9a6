#pragma once

#include <string>
#include <utility>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "service/admin/picker.hpp"
#include "service/admin/site.hpp"
#include "service/html/fields.hpp"

namespace easyjwt::admin {

struct Fieldset {
  Text title{};
  std::vector<html::Field> fields;
};

/// An object to be looked at or changed, for the template `admin_form`.
struct FormPage {
  std::vector<html::NavLink> tools{};  ///< "History"
  Text intro{};
  std::vector<Fieldset> fieldsets{};
  std::vector<const Picker*> pickers{};
  std::vector<std::pair<std::string, std::string>> hidden{};
  Text save{};                ///< of the button; empty: there is nothing to be saved
  std::string delete_path{};  ///< empty: it cannot be deleted
};

json::object to_json(const FormPage& page, const Error& wrong, const Site& site,
                     const Visit& visit);

/// What is asked before something is deleted, for the template `admin_delete`; whoever is sure
/// sends the field `sure`.
struct DeletePage {
  Text question;
  std::vector<Text> parts{};                                  ///< what goes with it
  std::vector<std::pair<std::string, std::string>> hidden{};  ///< fields that come along
  std::string back;
  Text parts_title{"What is deleted with it"};
  Text yes{"Yes, delete"};
};

json::object to_json(const DeletePage& page, const Site& site, const Visit& visit);

}  // namespace easyjwt::admin
