// kernfold/kernfold.hpp: everything but the adapters in interop/.
#pragma once

#include "api/gradient.hpp"
#include "core/config.hpp"
#include "engine/eval.hpp"
