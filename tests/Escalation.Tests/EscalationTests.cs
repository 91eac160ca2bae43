namespace Vlm.Escalation.Tests;

public sealed class EscalationTests
{
    [Fact]
    public void The_program_is_its_own_executable() => Assert.Equal("Vlm.Escalation", typeof(Program).Assembly.GetName().Name);
}
