#include "cli/app_client.hpp"

#include "cli/daemon_home.hpp"

namespace tranter::cli {

Result<control::Client> connect_to_apps() {
    const auto home = own_home();
    if (!home) return std::unexpected(home.error());
    return control::Client::connect(home->socket());
}

}  // namespace tranter::cli
