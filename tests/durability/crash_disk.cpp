#include "crash_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <set>
#include <sstream>
#include <thread>

namespace crashfs {
namespace {

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_in(const std::string& path, const std::string& directory) {
    return path != "/" && parent_of(path) == directory;
}

std::string sector_of(const std::string& bytes, std::uint64_t sector) {
    const auto start = sector * sector_bytes;
    return start < bytes.size() ? bytes.substr(start, sector_bytes) : std::string();
}

void put_sector(std::string& bytes, std::uint64_t sector, const std::string& content) {
    const auto start = sector * sector_bytes;
    if (start < bytes.size()) {
        const auto fits = std::min<std::uint64_t>(content.size(), bytes.size() - start);
        bytes.replace(start, fits, content, 0, fits);
    }
}

/// What a disk holds after a power cut that hit while `node` had unsynced sectors.
std::string torn_image(const Node& node, std::mt19937_64& random) {
    std::string image = node.durable;
    if ((random() & 1U) != 0) {
        image.resize(node.live.size(), '\0');
    }
    for (const auto& [sector, write] : node.unsynced) {
        if ((random() & 1U) != 0) {
            put_sector(image, sector, sector_of(node.live, sector));
        }
    }
    return image;
}

}  // namespace

Disk::Disk() {
    auto root = std::make_shared<Node>();
    root->directory = true;
    root->mode = 0755;
    root->number = ++numbers_;
    names_["/"] = durable_names_["/"] = root;
}

std::shared_ptr<Node> Disk::find(const std::string& path) const {
    const auto found = names_.find(path);
    return found == names_.end() ? nullptr : found->second;
}

int Disk::usable(const Handle& handle) const {
    return off_ || handle.power_cycle != power_cycle_ ? -EIO : 0;
}

std::uint64_t Disk::used() const {
    std::uint64_t sum = 0;
    for (const auto& [path, node] : names_) {
        sum += node->live.size();
    }
    return sum;
}

void Disk::resize(Node& node, std::uint64_t size) {
    const auto from = std::min<std::uint64_t>(size, node.live.size());
    const auto to = std::max<std::uint64_t>(size, node.live.size());
    node.live.resize(size, '\0');
    ++writes_;
    for (auto sector = from / sector_bytes; sector * sector_bytes < to; ++sector) {
        node.unsynced[sector] = writes_;
    }
}

int Disk::attributes(const std::string& path, const Handle* handle, struct stat& out) {
    const std::lock_guard lock(mutex_);
    if (off_) {
        return -EIO;
    }
    const auto node = handle != nullptr ? handle->node : find(path);
    if (!node) {
        return -ENOENT;
    }
    out = {};
    out.st_mode = node->mode | (node->directory ? S_IFDIR : S_IFREG);
    out.st_nlink = 1;
    out.st_uid = node->owner;
    out.st_ino = node->number;
    out.st_size = static_cast<off_t>(node->live.size());
    out.st_blocks = static_cast<blkcnt_t>((node->live.size() + 511) / 512);
    return 0;
}

int Disk::list(const std::string& path, std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, node] : names_) {
        if (is_in(name, path)) {
            names.push_back(name.substr(name.rfind('/') + 1));
        }
    }
    return off_ ? -EIO : 0;
}

int Disk::make_directory(const std::string& path, uid_t owner) {
    const std::lock_guard lock(mutex_);
    if (off_) {
        return -EIO;
    }
    auto node = std::make_shared<Node>();
    node->directory = true;
    node->mode = 0700;
    node->owner = owner;
    node->number = ++numbers_;
    return names_.emplace(path, std::move(node)).second ? 0 : -EEXIST;
}

int Disk::create(const std::string& path, mode_t mode, uid_t owner, Handle& out) {
    const std::lock_guard lock(mutex_);
    if (off_) {
        return -EIO;
    }
    auto& node = names_[path];
    if (!node) {
        node = std::make_shared<Node>();
        node->mode = mode & 07777U;
        node->owner = owner;
        node->number = ++numbers_;
    }
    out = {node, power_cycle_};
    return 0;
}

int Disk::open(const std::string& path, bool truncate, Handle& out) {
    const std::lock_guard lock(mutex_);
    const auto node = find(path);
    if (off_ || !node) {
        return off_ ? -EIO : -ENOENT;
    }
    if (truncate) {
        resize(*node, 0);
    }
    out = {node, power_cycle_};
    return 0;
}

int Disk::remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (off_) {
        return -EIO;
    }
    return names_.erase(path) != 0 ? 0 : -ENOENT;
}

int Disk::rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    const auto node = find(from);
    if (off_ || !node || node->directory) {
        return off_ ? -EIO : node ? -ENOTSUP : -ENOENT;
    }
    names_.erase(from);
    names_[to] = node;
    return 0;
}

int Disk::read(const Handle& handle, std::uint64_t offset, char* into, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (const int failure = usable(handle)) {
        return failure;
    }
    const auto& content = handle.node->live;
    return offset < content.size() ? static_cast<int>(content.copy(into, bytes, offset)) : 0;
}

int Disk::write(const Handle& handle, std::uint64_t offset, const char* from, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (const int failure = usable(handle)) {
        return failure;
    }
    auto& node = *handle.node;
    const auto end = offset + bytes;
    if (end > node.live.size()) {
        if (capacity_ != unlimited && used() + (end - node.live.size()) > capacity_) {
            return -ENOSPC;
        }
        resize(node, end);
    }
    node.live.replace(offset, bytes, from, bytes);
    ++writes_;
    for (auto sector = offset / sector_bytes; sector * sector_bytes < end; ++sector) {
        node.unsynced[sector] = writes_;
    }
    return static_cast<int>(bytes);
}

int Disk::truncate(const std::string& path, const Handle* handle, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    if (const int failure = handle != nullptr ? usable(*handle) : off_ ? -EIO : 0) {
        return failure;
    }
    const auto node = handle != nullptr ? handle->node : find(path);
    if (!node) {
        return -ENOENT;
    }
    if (size > node->live.size() && capacity_ != unlimited &&
        used() + (size - node->live.size()) > capacity_) {
        return -ENOSPC;
    }
    resize(*node, size);
    return 0;
}

int Disk::sync(const Handle& handle) {
    std::unique_lock lock(mutex_);
    if (const int failure = usable(handle)) {
        return failure;
    }
    ++syncs_;
    auto& node = *handle.node;
    if (failing_sync_ != 0 && --failing_sync_ == 0) {
        node.unsynced.clear();
        return -EIO;
    }
    const auto size = node.live.size();
    const auto covered = node.unsynced;
    std::map<std::uint64_t, std::string> content;
    for (const auto& [sector, write] : covered) {
        content[sector] = sector_of(node.live, sector);
    }
    if (delay_ms_ != 0) {
        const std::chrono::milliseconds delay(delay_ms_);
        lock.unlock();
        std::this_thread::sleep_for(delay);
        lock.lock();
        if (const int failure = usable(handle)) {
            return failure;
        }
    }
    node.durable.resize(size, '\0');
    for (const auto& [sector, write] : covered) {
        put_sector(node.durable, sector, content[sector]);
        const auto now = node.unsynced.find(sector);
        if (now != node.unsynced.end() && now->second == write) {
            node.unsynced.erase(now);
        }
    }
    return 0;
}

int Disk::sync_directory(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (off_) {
        return -EIO;
    }
    ++directory_syncs_;
    std::erase_if(durable_names_, [&](const auto& entry) { return is_in(entry.first, path); });
    for (const auto& [name, node] : names_) {
        if (is_in(name, path)) {
            durable_names_[name] = node;
        }
    }
    return 0;
}

void Disk::cut_power(bool torn, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    off_ = true;
    ++power_cycle_;
    const bool names_survive = torn && (random() & 1U) != 0;
    names_ = names_survive ? names_ : durable_names_;
    for (auto& [name, node] : names_) {
        // A fresh node, so that whatever still holds the old one cannot change what survived.
        auto after = std::make_shared<Node>(*node);
        after->durable = after->live = torn ? torn_image(*node, random) : node->durable;
        after->unsynced.clear();
        node = std::move(after);
    }
    durable_names_ = names_;
}

bool Disk::control(const std::string& command) {
    std::istringstream words(command);
    std::string verb;
    std::string argument;
    std::uint64_t number = 0;
    words >> verb;
    const std::lock_guard lock(mutex_);
    if (verb == "off") {
        words >> argument >> number;
        cut_power(argument == "torn", number);
        return argument.empty() || argument == "torn";
    }
    if (verb == "on") {
        off_ = false;
        return true;
    }
    if (!(words >> number)) {
        return false;
    }
    if (verb == "eio") {
        failing_sync_ = number;
    } else if (verb == "delay") {
        delay_ms_ = number;
    } else if (verb == "space" || verb == "quota") {
        capacity_ = number == unlimited ? unlimited : used() + number;
        capacity_is_shown_ = verb == "space";
    } else {
        return false;
    }
    return true;
}

std::string Disk::status() {
    const std::lock_guard lock(mutex_);
    std::ostringstream text;
    text << "writes=" << writes_ << " syncs=" << syncs_ << " directory_syncs=" << directory_syncs_
         << " power_cuts=" << power_cycle_ << " used=" << used() << '\n';
    return text.str();
}

std::uint64_t Disk::free_bytes() {
    const std::lock_guard lock(mutex_);
    const auto total = std::uint64_t{1} << 40U;
    if (capacity_ == unlimited || !capacity_is_shown_) {
        return total;
    }
    const auto taken = used();
    return capacity_ > taken ? capacity_ - taken : 0;
}

}  // namespace crashfs
