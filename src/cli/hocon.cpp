#include "cli/hocon.hpp"

#include "base/log_text.hpp"
#include "cli/hocon_parser.hpp"

#include <fmt/format.h>

namespace tranter::cli {
namespace hocon {

std::unexpected<Error> refuse_at(
    const std::vector<std::string>& files, ConfigPosition where, std::string_view what
) {
    return fail(
        Errc::invalid_argument,
        one_line(fmt::format("{}:{}:{}: {}", files[where.file], where.line, where.column, what))
    );
}

}  // namespace hocon

Result<HoconDocument> parse_hocon(
    std::string_view text, const std::string& name, const HoconContext& context
) {
    Result<hocon::ParsedFiles> parsed = hocon::parse_files(text, name, context);
    if (!parsed) return std::unexpected(parsed.error());
    Result<ConfigNode> root = hocon::resolve(*parsed, context.env);
    if (!root) return std::unexpected(root.error());
    return HoconDocument{
        .root = std::move(*root),
        .files = std::move(parsed->files),
        .notices = std::move(parsed->notices),
    };
}

}  // namespace tranter::cli
