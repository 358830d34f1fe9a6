#include "service/admin/form.hpp"

#include <utility>

namespace easyjwt::admin {
namespace {

json::array hidden_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  json::array out;
  for (const auto& [name, value] : fields) {
    json::object one;
    one["name"] = name;
    one["value"] = value;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

json::object to_json(const FormPage& page, const Error& wrong, const Site& site,
                     const Visit& visit) {
  const auto text = [&](const Text& one) { return site.text(visit, one); };
  const auto& renderer = site.tools().renderer;
  json::object out;
  json::array tools;
  for (const auto& tool : page.tools) {
    json::object one;
    one["text"] = text(tool.text);
    one["path"] = tool.path;
    tools.push_back(std::move(one));
  }
  out["has_tools"] = !tools.empty();
  out["tools"] = std::move(tools);
  out["has_intro"] = !page.intro.empty();
  out["intro"] = text(page.intro);
  const auto errors = html::errors_of(wrong, "", renderer, visit.request);
  out["has_form_errors"] = !errors.empty();
  out["form_errors"] = html::to_array(errors);
  json::array fieldsets;
  for (const auto& fieldset : page.fieldsets) {
    json::object one;
    one["has_title"] = !fieldset.title.empty();
    one["title"] = text(fieldset.title);
    one["fields"] = html::to_json(fieldset.fields, wrong, renderer, visit.request);
    fieldsets.push_back(std::move(one));
  }
  out["fieldsets"] = std::move(fieldsets);
  json::array pickers;
  for (const auto* picker : page.pickers) pickers.push_back(picker->to_json(wrong, site, visit));
  out["has_pickers"] = !pickers.empty();
  out["pickers"] = std::move(pickers);
  out["hidden"] = hidden_fields(page.hidden);
  out["can_save"] = !page.save.empty();
  out["save_text"] = text(page.save);
  out["has_delete"] = !page.delete_path.empty();
  out["delete_path"] = page.delete_path;
  return out;
}

json::object to_json(const DeletePage& page, const Site& site, const Visit& visit) {
  json::object out;
  out["question"] = site.text(visit, page.question);
  json::array parts;
  for (const auto& part : page.parts) {
    json::object one;
    one["text"] = site.text(visit, part);
    parts.push_back(std::move(one));
  }
  out["has_parts"] = !parts.empty();
  out["parts"] = std::move(parts);
  out["hidden"] = hidden_fields(page.hidden);
  out["back"] = page.back;
  out["parts_title"] = site.text(visit, page.parts_title);
  out["yes"] = site.text(visit, page.yes);
  return out;
}

}  // namespace easyjwt::admin
