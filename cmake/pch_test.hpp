#pragma once
// The same for the code of tests.
#include "pch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
