#pragma once

#include <dlfcn.h>

namespace tranter {

/// A library that is loaded at first use and stays. Null when it is not installed.
inline void* load_library(const char* name) {
    return ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

/// Whether the library has it.
template <class Function>
bool find_symbol(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

}  // namespace tranter
