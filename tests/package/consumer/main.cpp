#include <tranter/version.hpp>

int main() {
    return tranter::version.empty() ? 1 : 0;
}
