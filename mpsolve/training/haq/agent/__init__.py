"""The agent: deep deterministic policy gradients (DDPG)."""
