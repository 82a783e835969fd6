"""Language models behind one door: langchain-core chat models, by name."""
