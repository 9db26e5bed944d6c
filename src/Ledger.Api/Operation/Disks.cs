using Ledger.Api.Storage;

namespace Ledger.Api.Operation;

/// <summary>Space on a disk of this node's; <paramref name="Name"/>: of which folder.</summary>
public sealed record DiskSpace(string Name, long FreeBytes, long TotalBytes, bool IsLow);

/// <summary>The disks that this node writes to itself; the database's own is looked at by the heartbeat.</summary>
public sealed class Disks(Settings settings)
{
    public IReadOnlyList<DiskSpace> Read() => [Of("data", settings.DataFolder), Of("backups", settings.BackupFolder)];

    private DiskSpace Of(string name, string folder)
    {
        // What is not there yet will lie where the folder above it does.
        var there = Path.GetFullPath(folder);
        while (!Directory.Exists(there) && Path.GetDirectoryName(there) is { } above)
            there = above;
        var disk = new DriveInfo(there);
        var free = disk.AvailableFreeSpace;
        return new DiskSpace(name, free, disk.TotalSize, free < settings.DiskLowGigabytes * (1L << 30));
    }

    /// <summary>In words; a disk that two folders share is told once.</summary>
    public IEnumerable<Degradation> Wrong() =>
        Read()
            .Where(d => d.IsLow)
            .DistinctBy(d => d.TotalBytes)
            .Select(d => new Degradation(
                "disk-low",
                d.Name == "data"
                    ? $"数据目录所在的磁盘只剩 {Gigabytes(d):0.0} GB"
                    : $"备份目录所在的磁盘只剩 {Gigabytes(d):0.0} GB"
            ));

    private static double Gigabytes(DiskSpace disk) => disk.FreeBytes / (double)(1L << 30);
}
