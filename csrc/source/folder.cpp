// SPDX-License-Identifier: MIT
#include "source/folder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "platform/folder.h"

namespace fastbatch {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter; }

bool has_extension(std::string_view name, const std::vector<std::string>& extensions) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view end = name.substr(dot + 1);
  return std::ranges::any_of(extensions, [end](std::string_view extension) {
    return end.size() == extension.size() &&
           std::equal(end.begin(), end.end(), extension.begin(), [](char a, char b) { return lower(a) == b; });
  });
}

}  // namespace

FolderContent list_folder(const std::string& path, const std::vector<std::string>& extensions) {
  FolderContent content;
  for (FolderEntry& entry : folder_entries(path)) {
    if (entry.kind == EntryKind::kFolder) {
      content.folders.push_back(std::move(entry.name));
    } else if (has_extension(entry.name, extensions)) {
      content.files.push_back(std::move(entry.name));
    } else if (entry.kind == EntryKind::kLink) {
      content.links.push_back(std::move(entry.name));
    }
  }
  std::ranges::sort(content.files);
  std::ranges::sort(content.folders);
  std::ranges::sort(content.links);
  return content;
}

}  // namespace fastbatch
