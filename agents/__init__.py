"""The LangGraph agents that explain incidents. They annotate and never decide."""
