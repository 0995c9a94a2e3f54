//===- PagesTest.cpp - pages that are written from tables -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Metrics.h"
#include "runtime/training/Recipe.h"
#include "test/unit/TestSupport.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace m1;
using namespace m1::test;

namespace {
/// Compares a page with what its table gives; with M1_WRITE_PAGES in the
/// environment, writes it.
void expectCurrent(const std::string &Name, const std::string &Page) {
  const std::string Path =
      std::string(M1_SOURCE_DIR) + "/docs/reference/" + Name;
  if (std::getenv("M1_WRITE_PAGES"))
    writeFile(Path, Page);
  EXPECT_TRUE(readFile(Path) == Page)
      << Path << " is stale: run M1_WRITE_PAGES=1 build/bin/m1-training-tests";
}

TEST(Pages, RecipesAreCurrent) { expectCurrent("recipes.md", recipesPage()); }
TEST(Pages, MetricsAreCurrent) { expectCurrent("metrics.md", metricsPage()); }
} // namespace
