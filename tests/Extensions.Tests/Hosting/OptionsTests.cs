using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Conclave.Extensions.Tests.Hosting;

public class OptionsTests(SharedNode shared)
{
    [Fact]
    public async Task A_bad_value_keeps_the_last_valid_options_and_a_good_one_counts_again()
    {
        await shared.Node.SetAsync("keeps", "libvirt/workers", "4");
        using IHost host = Hosts.Build(shared.Node, "keeps", b => b.Services.AddOptions<Libvirt>().BindConfiguration("keeps:libvirt").ValidateDataAnnotations().ValidateOnStart().KeepLastValidOnReload());
        await host.StartAsync(TestContext.Current.CancellationToken);
        var options = host.Services.GetRequiredService<IOptionsMonitor<Libvirt>>();
        int changes = 0;
        using IDisposable? listening = options.OnChange(_ => Interlocked.Increment(ref changes));
        Assert.Equal(4, options.CurrentValue.Workers);

        await shared.Node.SetAsync("keeps", "libvirt/workers", "400");   // out of range
        await RunningNode.EventuallyAsync("the change was seen", () => Volatile.Read(ref changes) == 1);
        Assert.Equal(4, options.CurrentValue.Workers);
        Assert.True(Lines.Provider.Have("The changed options Libvirt are not valid; the last valid ones are kept."));
        await shared.Node.SetAsync("keeps", "libvirt/workers", "\"many\"");   // no number at all
        await RunningNode.EventuallyAsync("the change was seen", () => Volatile.Read(ref changes) == 2);
        Assert.Equal(4, options.CurrentValue.Workers);
        Assert.Equal(4, host.Services.CreateScope().ServiceProvider.GetRequiredService<IOptionsSnapshot<Libvirt>>().Value.Workers);

        await shared.Node.SetAsync("keeps", "libvirt/workers", "5");
        await RunningNode.EventuallyAsync("the good one is there", () => options.CurrentValue.Workers == 5);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_first_options_have_to_be_valid()
    {
        await shared.Node.SetAsync("first", "libvirt/workers", "400");
        using IHost host = Hosts.Build(shared.Node, "first", b => b.Services.AddOptions<Libvirt>().BindConfiguration("first:libvirt").ValidateDataAnnotations().ValidateOnStart().KeepLastValidOnReload());

        await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Without_it_one_bad_change_breaks_later_reads()
    {
        await shared.Node.SetAsync("breaks", "libvirt/workers", "4");
        using IHost host = Hosts.Build(shared.Node, "breaks", b => b.Services.AddOptions<Libvirt>().BindConfiguration("breaks:libvirt").ValidateDataAnnotations());
        var options = host.Services.GetRequiredService<IOptionsMonitor<Libvirt>>();
        Assert.Equal(4, options.CurrentValue.Workers);

        await shared.Node.SetAsync("breaks", "libvirt/workers", "400");

        // This is what KeepLastValidOnReload is there for: when it is so no more, it can go.
        await RunningNode.EventuallyAsync("reads fail", () =>
        {
            try
            {
                return options.CurrentValue.Workers == 0;
            }
            catch (OptionsValidationException)
            {
                return true;
            }
        });
    }

    public sealed class Libvirt
    {
        [Range(1, 64)]
        public int Workers { get; set; } = 1;
    }
}
