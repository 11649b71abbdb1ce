using System.ComponentModel.DataAnnotations;
using Conclave.Extensions.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Conclave.Extensions.Tests.Docs;

/// <summary>The example of docs/dotnet.md, which has the lines below each of its "begin" marks.</summary>
internal static class Newcomer
{
    public static IHost Build(string[] args)
    {
        // begin: program
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);

        builder.Configuration.AddConclave(o =>
        {
            o.Endpoints.Add(new Uri(builder.Configuration["cluster"] ?? "http://127.0.0.1:2379"));
            o.Node = "c17";
            o.Documents.Add("nova");
            o.Cache = ConclaveCache.LastGood(builder.Configuration["cache"] ?? "/var/lib/app/conclave");
        });

        builder.Services.AddOptions<LibvirtOptions>().BindConfiguration("nova:libvirt")
            .ValidateDataAnnotations().ValidateOnStart().KeepLastValidOnReload();
        builder.Services.AddConclaveClient()
            .AddLocks()
            .AddElections()
            .AddServiceRegistration("nova-compute", r => r.Address = "10.2.0.17:8775");
        builder.Services.AddLeaderService<Reaper>("reaper");
        builder.Services.AddHealthChecks().AddConclave(maxStaleness: TimeSpan.FromMinutes(5));

        IHost host = builder.Build();
        // end
        return host;
    }
}

// begin: classes
public sealed class LibvirtOptions
{
    [Range(1, 64)]
    public int Workers { get; set; } = 1;

    public string[] Disks { get; set; } = [];
}

public sealed class Reaper(IOptionsMonitor<LibvirtOptions> options, ILogger<Reaper> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)   // cancelled when another process leads, too
        {
            logger.LogInformation("{Workers} workers", options.CurrentValue.Workers);
            await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
        }
    }
}
// end
