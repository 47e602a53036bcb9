// SPDX-License-Identifier: MIT
#include "codecs/jpeg/frame.h"

#include <algorithm>

namespace fastbatch {
namespace {

std::size_t divided_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// libjpeg enlarges a component with the inverse DCT where that saves upsampling.
unsigned side_of(const JpegComponent& component, unsigned least, unsigned most_h, unsigned most_v) {
  unsigned side = least;
  while (side < 8 && most_h * least % (component.h * side * 2) == 0 && most_v * least % (component.v * side * 2) == 0) {
    side *= 2;
  }
  return side;
}

// The rules of jdsample.c. Needs side, width and expand_*.
Upsampling upsampling_of(const ScaledComponent& component, unsigned least) {
  if (least == 1) return Upsampling::kRepeat;
  if (component.expand_x == 1 && component.expand_y == 2) return Upsampling::kTriangle;
  if (component.expand_x == 2 && component.expand_y <= 2 && component.width > 2) return Upsampling::kTriangle;
  return Upsampling::kRepeat;
}

}  // namespace

unsigned JpegFrame::most_h() const noexcept {
  unsigned most = 1;
  for (const JpegComponent& component : components) most = std::max(most, component.h);
  return most;
}

unsigned JpegFrame::most_v() const noexcept {
  unsigned most = 1;
  for (const JpegComponent& component : components) most = std::max(most, component.v);
  return most;
}

std::size_t JpegFrame::mcu_rows() const noexcept { return divided_up(size.height, std::size_t{8} * most_v()); }

std::size_t JpegFrame::width_in_blocks(std::size_t component) const noexcept {
  return divided_up(std::size_t{size.width} * components[component].h, std::size_t{8} * most_h());
}

std::size_t JpegFrame::height_in_blocks(std::size_t component) const noexcept {
  return divided_up(std::size_t{size.height} * components[component].v, std::size_t{8} * most_v());
}

ScaledFrame scaled_frame(const JpegFrame& frame, unsigned denominator) {
  const unsigned least = 8 / denominator;
  const unsigned most_h = frame.most_h();
  const unsigned most_v = frame.most_v();
  ScaledFrame scaled;
  scaled.size = {static_cast<std::uint32_t>(divided_up(frame.size.width, denominator)),
                 static_cast<std::uint32_t>(divided_up(frame.size.height, denominator))};
  scaled.mcu_height = most_v * least;
  if (scaled.size.pixels() == 0) return scaled;
  for (const JpegComponent& component : frame.components) {
    ScaledComponent part;
    part.side = side_of(component, least, most_h, most_v);
    part.width = divided_up(std::size_t{frame.size.width} * component.h * part.side, std::size_t{8} * most_h);
    part.height = divided_up(std::size_t{frame.size.height} * component.v * part.side, std::size_t{8} * most_v);
    part.mcu_height = component.v * part.side;
    const unsigned group_h = component.h * part.side / least;
    const unsigned group_v = component.v * part.side / least;
    if (most_h % group_h != 0 || most_v % group_v != 0) return {scaled.size, scaled.mcu_height, {}};
    part.expand_x = most_h / group_h;
    part.expand_y = most_v / group_v;
    part.upsampling = upsampling_of(part, least);
    scaled.components.push_back(part);
  }
  return scaled;
}

}  // namespace fastbatch
