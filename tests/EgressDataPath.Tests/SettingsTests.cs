namespace EgressDataPath.Tests;

public class SettingsTests
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Null(new Settings().Fault());

    [Theory]
    [InlineData(0x7fu, 126, 0x7eu, 125)]
    [InlineData(0xff0000u, 252, 0xfc0000u, 251)]
    [InlineData(0x7u, 6, 0x6u, 5)]
    public void Numbers_of_hops_follow_from_the_mask_of_packets(uint mask, int answers, uint answerMark, int mostHops)
    {
        Settings settings = new Settings { PacketMask = mask };
        Assert.Equal((answers, answerMark), (settings.AnswerHop, settings.PacketMark(settings.AnswerHop)));
        Desired.NodeNumbers numbers = new(settings);
        for (int hop = 1; hop <= mostHops; hop++)
        {
            Assert.Equal(hop, numbers.Hops.Of($"to_{hop}"));
        }

        Assert.Throws<Desired.NumbersExhaustedException>(() => numbers.Hops.Of("one more"));
    }

    [Theory]
    [InlineData(0xfff00000u, 4095, 0x12300000u, 0x123)]
    [InlineData(0x00ff0000u, 255, 0xab120000u, 0x12)]
    public void Slots_are_read_from_the_mask_of_connections(uint mask, int tunnel, uint mark, int slot)
    {
        Settings settings = new Settings { ConnectionMask = mask };
        Assert.Equal((tunnel, slot), (settings.TunnelSlot, settings.SlotOf(mark)));
        Assert.Equal(slot, settings.SlotOf(settings.ConnectionMark(slot)));
    }

    public static TheoryData<Settings, string> Faults => new()
    {
        { new Settings { PacketMask = 0x5 }, "--mark-mask" },
        { new Settings { PacketMask = 0x3 }, "--mark-mask" },
        { new Settings { PacketMask = 0 }, "--mark-mask" },
        { new Settings { ConnectionMask = 0x7 }, "--connection-mark-mask" },
        { new Settings { ConnectionMask = 0xf0f0 }, "--connection-mark-mask" },
        { new Settings { TunnelId = 0 }, "--vni" },
        { new Settings { TunnelId = 1 << 24 }, "--vni" },
        { new Settings { TunnelPort = 0 }, "--tunnel-port" },
        { new Settings { HeartbeatPort = 65536 }, "--heartbeat-port" },
        { new Settings { HeartbeatPort = 4790 }, "--heartbeat-port" },
        { new Settings { FirstTable = 255 }, "--first-table" },
        { new Settings { RulePriority = 32766 }, "--rule-priority" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_fault_names_its_option(Settings settings, string option) =>
        Assert.StartsWith(option + " ", settings.Fault(), StringComparison.Ordinal);
}
